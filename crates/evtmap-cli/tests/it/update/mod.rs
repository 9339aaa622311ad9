//! `evtmap update`: what is carried over is checked, kept, used and given back.

mod archive;
mod disk;
mod import;
mod network;
mod server;
