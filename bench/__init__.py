"""Speed, measured: `make bench`. Each row is a figure of one run on one machine, beside its bar."""
