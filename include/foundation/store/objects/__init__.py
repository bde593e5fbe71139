"""Objects by their URIs, in folders of this machine or on S3: the one place that tells the two apart."""
