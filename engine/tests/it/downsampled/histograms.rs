//! Native histograms, downsampled: the Compactor keeps their number, sum and counter.
