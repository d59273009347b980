"""Networks trained with labels: what a frozen encoder is compared with."""
