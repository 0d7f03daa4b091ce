//! Looking at this host: each probe reads one thing and judges nothing.

pub(crate) mod limit;
pub(crate) mod mounts;
pub(crate) mod pressure;
pub(crate) mod runtime;
pub(crate) mod space;
pub(crate) mod temperature;
