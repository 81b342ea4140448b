"""One app: its containers, files and storage, and the objects around them."""
