//! What does it cost to receive from whichever of many channels has something?
//! The rows are those that ../../go/selects.go defines.
//!
//! Where several have something `select!` begins at one by chance, as it does
//! unless told otherwise. It has no arm for "none of them": in select_default
//! that is one which is always ready, and asked last.
//!
//! SPDX-License-Identifier: MIT

use std::future::{ready, Future};

use tokio::sync::mpsc::{channel, Receiver, Sender};
use tokio::task::spawn;

use crate::question::Question;

const SELECTS: usize = 524_288;
const CAPACITY: usize = 1024;
const ROUND_TRIPS: u64 = 100_000;
const POLLS: u64 = 1_000_000;

/// A select has as many arms as its text, so there is one for each number.
macro_rules! receive_from {
    ($name:ident, $count:literal, $($arm:ident)+) => {
        async fn $name(from: &mut [Receiver<u64>; $count]) -> u64 {
            let [$($arm),+] = from;
            let number = tokio::select! {
                $(number = $arm.recv() => number,)+
            };
            number.expect("a sender")
        }
    };
}

receive_from!(receive_from_2, 2, a b);
receive_from!(receive_from_8, 8, a b c d e f g h);
receive_from!(receive_from_64, 64,
    a0 b0 c0 d0 e0 f0 g0 h0 a1 b1 c1 d1 e1 f1 g1 h1
    a2 b2 c2 d2 e2 f2 g2 h2 a3 b3 c3 d3 e3 f3 g3 h3
    a4 b4 c4 d4 e4 f4 g4 h4 a5 b5 c5 d5 e5 f5 g5 h5
    a6 b6 c6 d6 e6 f6 g6 h6 a7 b7 c7 d7 e7 f7 g7 h7);

/// What all of them are, whatever the future that each returns.
trait Receive<'a, const N: usize>: Send + 'static {
    type Receiving: Future<Output = u64> + Send;
    fn receive(&self, from: &'a mut [Receiver<u64>; N]) -> Self::Receiving;
}

impl<'a, const N: usize, Function, Receiving> Receive<'a, N> for Function
where
    Function: Fn(&'a mut [Receiver<u64>; N]) -> Receiving + Send + 'static,
    Receiving: Future<Output = u64> + Send,
{
    type Receiving = Receiving;
    fn receive(&self, from: &'a mut [Receiver<u64>; N]) -> Receiving {
        self(from)
    }
}

fn channels<const N: usize>(
    capacity: usize,
) -> (Vec<Sender<u64>>, [Receiver<u64>; N]) {
    let mut senders = Vec::new();
    let receivers = std::array::from_fn(|_| {
        let (sender, receiver) = channel(capacity);
        senders.push(sender);
        receiver
    });
    (senders, receivers)
}

fn fill(senders: &[Sender<u64>]) {
    for sender in senders {
        for number in 0..CAPACITY {
            sender.try_send(number as u64).expect("room");
        }
    }
}

async fn select_what_is_ready<const N: usize>(
    select: impl for<'a> Receive<'a, N>,
) {
    let (senders, mut receivers) = channels(CAPACITY);
    let mut sum = 0;
    for _ in 0..SELECTS / (N * CAPACITY) {
        fill(&senders);
        for _ in 0..N * CAPACITY {
            sum += select.receive(&mut receivers).await;
        }
    }
    assert_eq!((SELECTS * (CAPACITY - 1) / 2) as u64, sum);
}

async fn select_what_comes<const N: usize>(
    select: impl for<'a> Receive<'a, N> + Copy,
) {
    let (to_me, mut mine) = channels(1);
    let (to_them, mut theirs) = channels(1);
    let other = spawn(async move {
        for _ in 0..ROUND_TRIPS {
            let number = select.receive(&mut theirs).await;
            to_me[N - 1].send(number).await.expect("a receiver");
        }
        to_me
    });
    for number in 0..ROUND_TRIPS {
        to_them[N - 1].send(number).await.expect("a receiver");
        assert_eq!(number, select.receive(&mut mine).await);
    }
    other.await.expect("no panic");
}

async fn select_nothing() {
    let (_senders, [mut one, mut other]) = channels::<2>(1);
    for _ in 0..POLLS {
        let found = tokio::select! {
            biased;
            number = one.recv() => number,
            number = other.recv() => number,
            _ = ready(()) => None,
        };
        assert_eq!(None, found);
    }
}

pub fn questions() -> Vec<Question> {
    let (selects, trips) = (SELECTS as u64, ROUND_TRIPS);
    [
        Question::on_workers("sync/select2_ready", selects, || {
            select_what_is_ready(receive_from_2)
        }),
        Question::on_workers("sync/select8_ready", selects, || {
            select_what_is_ready(receive_from_8)
        }),
        Question::on_workers("sync/select64_ready", selects, || {
            select_what_is_ready(receive_from_64)
        }),
        Question::on_workers("sync/select2_parked", trips, || {
            select_what_comes(receive_from_2)
        }),
        Question::on_workers("sync/select8_parked", trips, || {
            select_what_comes(receive_from_8)
        }),
        Question::on_workers("sync/select64_parked", trips, || {
            select_what_comes(receive_from_64)
        }),
        Question::on_workers("sync/select_default", POLLS, select_nothing),
    ]
    .into_iter()
    .flatten()
    .collect()
}
