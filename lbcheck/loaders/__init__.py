"""From what the user has (an inventory, a model file, words on the command line) to the model, and how it is read."""
