//! Files read and written on tokio's blocking pool.
//!
//! Not by tokio::fs, which moves each buffer through one of its own, and where
//! a read at a place is a seek on the pool, and then a read.
//!
//! SPDX-License-Identifier: MIT

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::task::{spawn_blocking, JoinHandle};

const BLOCK: usize = 4096;
const READ_BLOCKS: u64 = 1 << 18;
const WRITE_BLOCKS: u64 = 1 << 8;
const PRIME: u64 = 2_654_435_761;

/// Does what it is told by the input: each share of it in a task.
fn work(concurrency: u64, task: impl Fn(&Runtime, u64, u64) -> JoinHandle<()>) {
    let runtime = Builder::new_multi_thread().build().expect("a runtime");
    println!("ready");
    for line in io::stdin().lines() {
        let text = line.expect("a line");
        let count: u64 = text.trim().parse().expect("a number");
        let share = count / concurrency;
        let tasks: Vec<_> = (0..concurrency)
            .map(|worker| task(&runtime, worker, share))
            .collect();
        runtime.block_on(async {
            for each in tasks {
                each.await.expect("no panic");
            }
        });
        println!("done");
    }
}

async fn read_often(file: Arc<File>, first: u64, count: u64) {
    let mut block = vec![0; BLOCK];
    for i in first..first + count {
        let place = i.wrapping_mul(PRIME) % READ_BLOCKS * BLOCK as u64;
        let file = Arc::clone(&file);
        let reading = spawn_blocking(move || {
            file.read_exact_at(&mut block, place)
                .expect("a whole block");
            block
        });
        block = reading.await.expect("no panic");
    }
}

pub fn read(path: &str, concurrency: u64) {
    let file = Arc::new(File::open(path).expect("a file"));
    work(concurrency, |runtime, worker, share| {
        let file = Arc::clone(&file);
        runtime.spawn(read_often(file, worker * share, share))
    });
}

async fn write_often(file: Arc<File>, count: u64) {
    for i in 0..count {
        let file = Arc::clone(&file);
        let writing = spawn_blocking(move || {
            let place = i % WRITE_BLOCKS * BLOCK as u64;
            file.write_all_at(&[b'w'; BLOCK], place)?;
            file.sync_data()
        });
        writing.await.expect("no panic").expect("a disk");
    }
}

pub fn write(folder: &str, concurrency: u64) {
    let files: Vec<_> = (0..concurrency)
        .map(|number| {
            let path = Path::new(folder).join(number.to_string());
            let file = OpenOptions::new().write(true).open(path);
            Arc::new(file.expect("a file"))
        })
        .collect();
    work(concurrency, |runtime, worker, share| {
        let file = Arc::clone(&files[worker as usize]);
        runtime.spawn(write_often(file, share))
    });
}
