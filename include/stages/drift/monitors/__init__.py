"""What labels and confidence say of a window: accuracy, estimated accuracy, shares of classes."""
