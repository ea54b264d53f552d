//! Bisection transcripts: steps, outcome, and how far to believe them.
