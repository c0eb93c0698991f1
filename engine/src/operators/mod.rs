//! The physical operators, one file each.

mod scan;
