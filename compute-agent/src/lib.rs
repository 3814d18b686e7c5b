//! The compute agent: bids for jobs, runs programs, proves, and contests wrong results.
