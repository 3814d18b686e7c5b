//! Jobs of each type: what they must be like, and their whole lives.
mod pairwise;
mod verify;
