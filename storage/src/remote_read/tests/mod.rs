mod conformance;
mod faults;
mod labels;
mod messages;
mod reading;
mod servers;
