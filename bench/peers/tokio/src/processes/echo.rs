//! An echo server: a task and a buffer for each connection.
//!
//! SPDX-License-Identifier: MIT

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Builder;
use tokio::time;

const BUFFER: usize = 20 * 1024;
const BACKLOG: u32 = 4096;

async fn attend(
    mut client: TcpStream,
    timeout: Option<Duration>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let reading = client.read(&mut buffer);
        let size = match timeout {
            Some(limit) => time::timeout(limit, reading).await??,
            None => reading.await?,
        };
        if size == 0 {
            return Ok(());
        }
        client.write_all(&buffer[..size]).await?;
    }
}

async fn accept_all(
    listener: TcpListener,
    timeout: Option<Duration>,
) -> io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        tokio::spawn(attend(client, timeout));
    }
}

/// As an expert would have them: the scheduler without threads of its own where
/// one worker is enough.
pub fn serve(workers: usize, seconds: u64) {
    let mut builder = if workers == 1 {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    let runtime = builder
        .worker_threads(workers)
        .enable_all()
        .build()
        .expect("a runtime");
    let timeout = match seconds {
        0 => None,
        _ => Some(Duration::from_secs(seconds)),
    };
    // It is spawned, since what `block_on` is given runs beside the workers.
    let serving = runtime.spawn(async move {
        let socket = TcpSocket::new_v4()?;
        socket.bind("127.0.0.1:0".parse().expect("an address"))?;
        let listener = socket.listen(BACKLOG)?;
        println!("{}", listener.local_addr()?.port());
        accept_all(listener, timeout).await
    });
    runtime
        .block_on(serving)
        .expect("no panic")
        .expect("a listener");
}
