"""What `make bench` measures. Ratios within one run travel between machines; absolute figures do not."""
