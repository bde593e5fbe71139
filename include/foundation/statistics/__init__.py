"""Estimates with intervals, evidence by betting, tails of distributions, and the control of false discoveries."""
