"""What an honest person checks of data and labels before believing a score."""
