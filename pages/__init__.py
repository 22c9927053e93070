"""One file a page; what several pages share is in common/."""
