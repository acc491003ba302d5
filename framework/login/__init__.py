"""The first consent of an OAuth flow: `framework login`. No run imports it."""
