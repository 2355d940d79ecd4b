// Placeholder, replaced in this step.
