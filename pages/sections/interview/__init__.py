"""The interview: questions as data, what is measured for them, and the screens that ask them."""
