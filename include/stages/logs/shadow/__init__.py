"""What challengers said of live requests, whose answers nobody was given."""
