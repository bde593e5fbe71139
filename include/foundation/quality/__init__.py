"""Great Expectations: suites, the batches they judge, and the Data Docs that tell the result."""
