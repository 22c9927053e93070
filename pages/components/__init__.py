"""Browser components: one folder each with its .py, .html, .css and .js; and uploading."""
