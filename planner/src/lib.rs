//! quarrel-planner
