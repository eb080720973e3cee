"""Steps that run in containers, on Fargate or on EC2."""
