"""What leaders and counselors do."""
