//! Pushing over HTTP: what a message looks like to each kind of receiver, how it is signed, and a client that goes only
//! where it may. Knows no database.

pub mod address;
pub mod body;
pub mod client;
pub mod signature;
pub mod template;

pub use body::{Message, To};
pub use client::{Answer, Client, Failure, Push};
