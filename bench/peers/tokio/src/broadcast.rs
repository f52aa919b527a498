//! What does a value cost that several receivers get?
//!
//!     broadcast1to4  one sender and four receivers, each a task; capacity
//!                    1024. 100,000 numbers are sent, and each of the four
//!                    receives each of them: one is a number received by one.
//!
//! Who sends does not wait, and who lags behind misses something. So the sender
//! is paced: a receiver adds a permit to a semaphore, which begins with none,
//! whenever it has another 256 numbers; the sender takes four permits whenever
//! it has sent as many, and they can only be of four receivers. What is left
//! over, 160 numbers, has room in any case. A row in which one is missed fails.
//!
//! SPDX-License-Identifier: MIT

use std::sync::Arc;

use tokio::sync::broadcast::{channel, Receiver};
use tokio::sync::Semaphore;
use tokio::task::spawn;

use crate::question::Question;
use crate::tasks::join_all;

const NUMBERS: u64 = 100_000;
const RECEIVERS: u64 = 4;
const CAPACITY: usize = 1024;
const BATCH: u64 = 256;

async fn receive_all(mut numbers: Receiver<u64>, received: Arc<Semaphore>) {
    let mut sum = 0;
    for count in 1..=NUMBERS {
        sum += numbers.recv().await.expect("nobody lags behind");
        if count % BATCH == 0 {
            received.add_permits(1);
        }
    }
    assert_eq!(NUMBERS * (NUMBERS + 1) / 2, sum);
}

async fn send_to_all() {
    let (sender, _) = channel(CAPACITY);
    let received = Arc::new(Semaphore::new(0));
    let each = |_| spawn(receive_all(sender.subscribe(), received.clone()));
    let receivers = (0..RECEIVERS).map(each).collect();
    for number in 1..=NUMBERS {
        sender.send(number).expect("a receiver");
        if number % BATCH == 0 {
            let all = received.acquire_many(RECEIVERS as u32).await;
            all.expect("it is open").forget();
        }
    }
    join_all(receivers).await;
}

pub fn questions() -> Vec<Question> {
    let deliveries = NUMBERS * RECEIVERS;
    Question::on_workers("sync/broadcast1to4", deliveries, send_to_all)
}
