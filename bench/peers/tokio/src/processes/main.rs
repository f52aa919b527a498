//! tokio as a process that is asked: see bench/net/servers.py and
//! bench/fs/files.py.
//!
//! SPDX-License-Identifier: MIT

mod echo;
mod files;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |index: usize| -> u64 {
        arguments
            .get(index)
            .map_or(0, |text| text.parse().expect("a number"))
    };
    match arguments[1].as_str() {
        "echo" => echo::serve(number(2) as usize, number(3)),
        "read" => files::read(&arguments[2], number(3)),
        "write" => files::write(&arguments[2], number(3)),
        _ => panic!("asked for something else"),
    }
}
