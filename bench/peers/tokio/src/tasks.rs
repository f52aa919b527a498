//! Tasks that yield, are awaited, begin and end, and wait.
//!
//! SPDX-License-Identifier: MIT

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::task::{spawn, yield_now, JoinHandle};

use crate::question::Question;

const TURNS: u64 = 1_000_000;
const AWAITS: u64 = 1_000_000;
const SPAWNS: u64 = 1_000_000;
const WAITING: u64 = 1_000_000;

pub async fn join_all(handles: Vec<JoinHandle<()>>) {
    for handle in handles {
        handle.await.expect("no panic");
    }
}

async fn yield_often(turns: u64) {
    for _ in 0..turns {
        yield_now().await;
    }
}

async fn yield_to_each_other(tasks: u64) {
    let each = |_| spawn(yield_often(TURNS / tasks));
    join_all((0..tasks).map(each).collect()).await;
}

/// Not inlined, or all of the loop would be an addition. There is no frame to
/// allocate in any case: a future lies inside the one that awaits it.
#[inline(never)]
fn successor(number: u64) -> u64 {
    number + 1
}

async fn increment(number: u64) -> u64 {
    successor(number)
}

async fn count() {
    let mut number = 0;
    while number < AWAITS {
        number = increment(number).await;
    }
}

async fn end_at_once() {}

async fn spawn_join() {
    for _ in 0..SPAWNS {
        spawn(end_at_once()).await.expect("no panic");
    }
}

async fn spawn_million() {
    let mut handles = Vec::with_capacity(SPAWNS as usize);
    for _ in 0..SPAWNS {
        handles.push(spawn(end_at_once()));
    }
    join_all(handles).await;
}

// --- bytes_per_suspended_task -----------------------------------------------

static WAITED: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// What malloc has handed out, its own headers included.
fn bytes_in_use() -> u64 {
    // SAFETY: it takes no arguments and the answer is plain numbers.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as u64
}

/// What it waits for is an argument, eight bytes.
async fn wait_for_the_end(over: &'static Notify) {
    WAITED.fetch_add(1, Ordering::Relaxed);
    over.notified().await;
}

/// With one worker the last task waits when we run again.
async fn suspend_many() {
    WAITED.store(0, Ordering::Relaxed);
    let over: &'static Notify = Box::leak(Box::default());
    let mut handles = Vec::with_capacity(WAITING as usize);
    let before = bytes_in_use();
    for _ in 0..WAITING {
        handles.push(spawn(wait_for_the_end(over)));
    }
    while WAITED.load(Ordering::Relaxed) < WAITING {
        yield_now().await;
    }
    BYTES.store(bytes_in_use() - before, Ordering::Relaxed);
    over.notify_waiters();
    join_all(handles).await;
}

fn bytes_each() -> f64 {
    BYTES.load(Ordering::Relaxed) as f64 / WAITING as f64
}

pub fn questions() -> Vec<Question> {
    let mut all = Vec::new();
    for workers in 1..=2 {
        for tasks in [1, 2, 100] {
            let name = format!("runtime/yield/tokio/{workers}/{tasks}");
            let batch = move || yield_to_each_other(tasks);
            all.push(Question::of_task(&name, workers, TURNS, batch));
        }
    }
    let name = "runtime/await_ready_task/tokio";
    all.push(Question::of_task(name, 1, AWAITS, count));
    all.extend(Question::on_workers(
        "runtime/spawn_join",
        SPAWNS,
        spawn_join,
    ));
    all.extend(Question::on_workers(
        "runtime/spawn_million",
        SPAWNS,
        spawn_million,
    ));
    let name = "runtime/bytes_per_suspended_task/tokio";
    let bytes = Question::of_task(name, 1, WAITING, suspend_many);
    all.push(bytes.once().counting_bytes(bytes_each));
    all
}
