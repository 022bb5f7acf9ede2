//! Fixed workload for heap and instruction profilers (`make heap`).

fn main() {}
