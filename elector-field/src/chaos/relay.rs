use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
};

/// Runs a TCP proxy that forwards connections from one address to another, until it is killed.
///
/// # Errors
/// Returns an error if the proxy cannot listen.
pub(crate) fn relay(listen: SocketAddr, to: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(listen)?;
    for client in listener.incoming() {
        // The client may have closed its connection already. While no node listens at `to`, the
        // proxy closes the connection of each client.
        let Ok(client) = client else { continue };
        thread::spawn(move || {
            TcpStream::connect(to).and_then(|server| forward_both(&client, &server))
        });
    }
    Ok(())
}

/// Forwards the data in both directions, until both directions have ended.
fn forward_both(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    for stream in [client, server] {
        stream.set_nodelay(true)?;
    }
    thread::scope(|scope| {
        scope.spawn(|| forward(client, server));
        forward(server, client);
    });
    Ok(())
}

fn forward(mut from: &TcpStream, mut to: &TcpStream) {
    // If a connection breaks on one side of the proxy, the connection on the other side must break
    // too.
    let end = match io::copy(&mut from, &mut to) {
        Ok(_) => Shutdown::Write,
        Err(_) => Shutdown::Both,
    };
    let _ = to.shutdown(end);
    if end == Shutdown::Both {
        let _ = from.shutdown(end);
    }
}
