//! tokio's mpsc channels, and its channel for a single value.
//!
//! SPDX-License-Identifier: MIT

use tokio::sync::{mpsc, oneshot};
use tokio::task::{spawn, yield_now};

use crate::question::Question;

const MESSAGES: u64 = 400_000;
const CAPACITY: usize = 1024;
const IN_A_ROW: u64 = 1_000;
const REPLIES: u64 = 200_000;

/// What the numbers below `count` add up to.
fn total(count: u64) -> u64 {
    count * (count - 1) / 2
}

async fn pass_messages() {
    let (sender, mut receiver) = mpsc::channel(CAPACITY);
    let sending = spawn(async move {
        for number in 0..MESSAGES {
            sender.send(number).await.expect("a receiver");
        }
    });
    let mut sum = 0;
    for _ in 0..MESSAGES {
        sum += receiver.recv().await.expect("a sender");
    }
    assert_eq!(total(MESSAGES), sum);
    sending.await.expect("no panic");
}

async fn pass_unbounded() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let sending = spawn(async move {
        for number in 0..MESSAGES {
            sender.send(number).expect("a receiver");
            if number % IN_A_ROW == 0 {
                yield_now().await;
            }
        }
    });
    let mut sum = 0;
    for _ in 0..MESSAGES {
        sum += receiver.recv().await.expect("a sender");
    }
    assert_eq!(total(MESSAGES), sum);
    sending.await.expect("no panic");
}

async fn play_ping_pong() {
    let (balls, mut served) = mpsc::channel(1);
    let (returns, mut returned) = mpsc::channel(1);
    let opponent = spawn(async move {
        for _ in 0..MESSAGES {
            let ball: u64 = served.recv().await.expect("a sender");
            returns.send(ball).await.expect("a receiver");
        }
    });
    for ball in 0..MESSAGES {
        balls.send(ball).await.expect("a receiver");
        assert_eq!(Some(ball), returned.recv().await);
    }
    opponent.await.expect("no panic");
}

async fn receive_what_is_there() {
    for number in 0..REPLIES {
        let (sender, receiver) = oneshot::channel();
        sender.send(number).expect("a receiver");
        assert_eq!(Ok(number), receiver.await);
    }
}

async fn ask() {
    let (requests, mut asked) = mpsc::channel::<oneshot::Sender<u64>>(1);
    let server = spawn(async move {
        for number in 0..REPLIES {
            let reply = asked.recv().await.expect("a sender");
            reply.send(number).expect("a receiver");
        }
    });
    for number in 0..REPLIES {
        let (sender, receiver) = oneshot::channel();
        requests.send(sender).await.expect("a receiver");
        assert_eq!(Ok(number), receiver.await);
    }
    server.await.expect("no panic");
}

pub fn questions() -> Vec<Question> {
    [
        Question::on_workers("sync/channel_1_1_1024", MESSAGES, pass_messages),
        Question::on_workers(
            "sync/channel_ping_pong",
            MESSAGES,
            play_ping_pong,
        ),
        Question::on_workers(
            "sync/unbounded_channel_1_1",
            MESSAGES,
            pass_unbounded,
        ),
        Question::on_workers(
            "sync/one_shot_ready",
            REPLIES,
            receive_what_is_there,
        ),
        Question::on_workers("sync/one_shot_reply", REPLIES, ask),
    ]
    .into_iter()
    .flatten()
    .collect()
}
