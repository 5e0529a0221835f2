use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
};

/// A TCP proxy: passes on what comes to one address to another, until it is killed.
///
/// # Errors
/// If it cannot listen.
pub(crate) fn relay(listen: SocketAddr, to: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(listen)?;
    for client in listener.incoming() {
        // One that has gone again is not served. While no node listens, connections are closed.
        let Ok(client) = client else { continue };
        thread::spawn(move || TcpStream::connect(to).and_then(|server| between(&client, &server)));
    }
    Ok(())
}

/// Passes on both ways, until both have ended.
fn between(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    for stream in [client, server] {
        stream.set_nodelay(true)?;
    }
    thread::scope(|scope| {
        scope.spawn(|| pass(client, server));
        pass(server, client);
    });
    Ok(())
}

fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    // A connection that breaks on one side is to end on the other, too.
    let end = match io::copy(&mut from, &mut to) {
        Ok(_) => Shutdown::Write,
        Err(_) => Shutdown::Both,
    };
    let _ = to.shutdown(end);
    if end == Shutdown::Both {
        let _ = from.shutdown(end);
    }
}
