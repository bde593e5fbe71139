"""The demo: real data, simulated traffic and annotators, which reach the loop only through its public edges."""
