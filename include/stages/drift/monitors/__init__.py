"""What labels and confidence say of a window: accuracy on labels, estimated accuracy, and shares of classes."""
