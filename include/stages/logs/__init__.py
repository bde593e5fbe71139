"""Prediction logs and feedback come in; what is broken goes to quarantine with a reason."""
