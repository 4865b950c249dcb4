"""What the program asks of Kubernetes itself, before and while it updates a stack."""
