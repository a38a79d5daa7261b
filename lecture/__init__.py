"""What a lecturer needs, built from the lessons: slides in three lengths, minutes, polls, an edition with answers."""
