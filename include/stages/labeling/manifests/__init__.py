"""Requests and answers as manifests of SageMaker Ground Truth, in a folder or on S3, and the labeling jobs on them."""
