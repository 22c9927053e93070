"""The car recipe's training images: the studio, streets, pasted cars and phone photos."""
