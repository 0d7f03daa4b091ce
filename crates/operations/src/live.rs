//! This host from second to second, for the live dashboard: more than a heartbeat carries, and cheap enough to be
//! looked at all day.
//!
//! Rule: nothing here looks at the system by itself. Whoever shows a dashboard asks for each sample.
//!
//! On Linux the kernel's files stay open and are read in place; elsewhere sysinfo is asked, which knows less.

#[cfg(target_os = "linux")]
mod cpu;
#[cfg(target_os = "linux")]
mod devices;
mod disks;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod network;
mod pace;
#[cfg(any(test, not(target_os = "linux")))]
#[cfg_attr(
    target_os = "linux",
    expect(
        unreachable_pub,
        reason = "on Linux it is only compared with the other one"
    )
)]
mod portable;
#[cfg(target_os = "linux")]
mod pressure;
#[cfg(target_os = "linux")]
mod processes;
mod rates;
mod runtime;
mod sensors;
#[cfg(target_os = "linux")]
mod text;

#[cfg(target_os = "linux")]
pub use linux::LiveSampler;
pub use pace::Pace;
#[cfg(not(target_os = "linux"))]
pub use portable::LiveSampler;
pub use runtime::RuntimeSampler;
