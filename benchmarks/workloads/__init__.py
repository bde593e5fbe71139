"""What the benchmarks measure: each module makes a workload, or is run in a fresh process to do one."""
