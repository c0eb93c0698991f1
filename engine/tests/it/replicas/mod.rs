//! Replicas of a series answer as the series does.

mod data;
mod equal_clocks;
mod queries;
mod shifted;
mod stores;
