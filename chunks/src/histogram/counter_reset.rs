//! Counter resets before and inside of a chunk.

/// What the writer of a chunk knew about a counter reset between the previous
/// chunk's last sample and this chunk's first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CounterReset {
    /// Nothing.
    #[default]
    Unknown,
    /// There was a reset.
    Reset,
    /// There was no reset.
    NoReset,
    /// The histograms are gauges, which have no resets.
    Gauge,
}

impl CounterReset {
    /// Reads the two highest bits of a header byte.
    pub(super) fn from_header(byte: u8) -> Self {
        match byte >> 6 {
            0 => CounterReset::Unknown,
            1 => CounterReset::NoReset,
            2 => CounterReset::Reset,
            _ => CounterReset::Gauge,
        }
    }

    pub(super) fn to_header(self) -> u8 {
        let code = match self {
            CounterReset::Unknown => 0,
            CounterReset::NoReset => 1,
            CounterReset::Reset => 2,
            CounterReset::Gauge => 3,
        };
        code << 6
    }

    /// The counter reset hint of sample `sample` in a chunk with this header.
    /// "No reset" holds only inside of a chunk: the previous chunk may be
    /// missing, or another chunk may lie between.
    pub fn of_sample(self, sample: usize) -> Self {
        match self {
            CounterReset::Gauge => CounterReset::Gauge,
            _ if sample > 0 => CounterReset::NoReset,
            _ => CounterReset::Unknown,
        }
    }
}
