'use strict';

// A bcoin regtest node for one test, started through bcoin's API because its command line dials seeds and looks our own
// address up. Called by `nodes.py` only:
//
//     node bcoin_node.js DIRECTORY_OF_BCOIN
//
// Orders come as JSON, one object a line, on stdin: {"order": "mine", "count": 3}. Each is answered on stdout, in order,
// by one line that begins with "@ " and goes on in JSON; every other line is bcoin's own log. The end of stdin ends the
// node, so that none outlives the test that started it.

const path = require('path');
const readline = require('readline');

const bcoin = require(path.resolve(process.argv[2]));

// Coinbases pay to a script of our own; a fork pays to another one, so that its blocks differ from those it replaces.
const MAIN = bcoin.Address.fromHash(Buffer.alloc(20, 1));
const FORK = bcoin.Address.fromHash(Buffer.alloc(20, 2));

const node = new bcoin.FullNode({
  network: 'regtest',
  memory: true,
  logConsole: true,
  logLevel: 'debug',
  listen: true,
  host: '127.0.0.1',
  publicHost: '127.0.0.1',
  maxInbound: 500,
  maxOutbound: 1,
  seeds: [],
  httpHost: '127.0.0.1',
  httpPort: 0,
  apiKey: 'test',
  workers: false,
});
// Any free port: the constructor refuses 0, the socket does not. The first answer says which one it became.
node.pool.options.port = 0;
// It would ask a public name server what our own address is.
node.pool.discoverExternal = async () => {};

// Messages that came from each peer, by command.
const received = new WeakMap();
node.pool.on('packet', (packet, peer) => {
  if (!received.has(peer)) received.set(peer, {});
  const counts = received.get(peer);
  const command = bcoin.packets.typesByVal[packet.type].toLowerCase();
  counts[command] = (counts[command] || 0) + 1;
});

// It reads a block for a peer, and waits so long before: see the order `slow`.
let pause = 0;
const sendBlock = node.pool.sendBlock;
node.pool.sendBlock = async function (...block) {
  if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
  return sendBlock.apply(this, block);
};

function tip() {
  return { height: node.chain.tip.height, hash: node.chain.tip.rhash() };
}

// Mines `count` blocks on `parent` (null: on the tip), without a line of log for each.
async function mine(parent, count, address) {
  node.logger.setLevel('warning');
  for (let i = 0; i < count; i++) {
    const block = await node.miner.mineBlock(parent, address);
    parent = await node.chain.add(block);
  }
  node.logger.setLevel('debug');
  return tip();
}

// Resolves once the tip has `hash`; an event, not a poll.
function follow(hash) {
  return new Promise((resolve) => {
    const look = () => {
      if (node.chain.tip.rhash() !== hash) return;
      node.chain.removeListener('tip', look);
      resolve();
    };
    node.chain.on('tip', look);
    look();
  });
}

const coins = [];

// Signed payments of coins that it has mined for them.
async function payments(count) {
  const owner = bcoin.KeyRing.generate('regtest');
  const { height } = await mine(null, count, owner.getAddress());
  await mine(null, 100, MAIN); // the coins are spendable then
  const made = [];
  for (let each = height - count + 1; each <= height; each++) {
    const [coinbase] = (await node.chain.getBlock(each)).txs;
    const payment = new bcoin.MTX();
    payment.addTX(coinbase, 0);
    payment.addOutput(MAIN, coinbase.outputs[0].value - 10000);
    payment.sign(owner);
    made.push(payment);
  }
  return made;
}

const orders = {
  tip,
  mine({ count }) {
    return mine(null, count, MAIN);
  },
  // A rival branch from `depth` blocks below the tip, one block longer than what it replaces.
  async fork({ depth }) {
    const parent = await node.chain.getEntry(node.chain.height - depth);
    return mine(parent, depth + 1, FORK);
  },
  // A signed payment of a coin that it has mined, which it keeps to itself.
  async payment() {
    const [payment] = await payments(1);
    return { hex: payment.toRaw().toString('hex'), txid: payment.txid() };
  },
  // Mines coins that `pay` can spend.
  async coins({ count }) {
    coins.push(...(await payments(count)));
    return tip();
  },
  // Spends `count` of them: into its mempool, and by inv to its peers.
  async pay({ count }) {
    for (const payment of coins.splice(0, count)) await node.sendTX(payment.toTX());
    return {};
  },
  // Ids of the transactions that wait for a block.
  mempool() {
    return { txids: [...node.mempool.map.values()].map((entry) => entry.txid()) };
  },
  // Makes the peer at `port` the one from which bcoin brings its chain (its "loader").
  connect({ port }) {
    node.pool.hosts.addNode(`127.0.0.1:${port}`);
    node.startSync();
    node.pool.fillOutbound();
    return {};
  },
  // Tells of a node on loopback to whoever asks for addresses.
  know({ host, port }) {
    const address = bcoin.net.NetAddress.fromHost(host, port, 'regtest');
    address.services = 9;
    address.time = node.network.now();
    node.pool.hosts.add(address);
    return {};
  },
  // From now on it waits before each block that it serves.
  slow({ seconds }) {
    pause = seconds * 1000;
    return {};
  },
  async follow({ hash }) {
    await follow(hash);
    return tip();
  },
  peers() {
    const peers = [];
    for (let peer = node.pool.peers.head(); peer; peer = peer.next) peers.push(peer.agent);
    return { peers };
  },
  links() {
    const links = [];
    for (let peer = node.pool.peers.head(); peer; peer = peer.next) {
      if (!peer.handshake) continue;
      links.push({
        agent: peer.agent,
        received: peer.socket.bytesRead,
        sent: peer.socket.bytesWritten,
        ping: peer.lastPong === -1 ? null : (peer.lastPong - peer.lastPing) / 1000,
        messages: received.get(peer) || {},
      });
    }
    return { links };
  },
  ping() {
    for (let peer = node.pool.peers.head(); peer; peer = peer.next) peer.sendPing();
    return {};
  },
  hang_up() {
    for (let peer = node.pool.peers.head(); peer; peer = peer.next) {
      if (!peer.outbound) setImmediate(() => peer.destroy());
    }
    return {};
  },
};

function answer(value) {
  process.stdout.write(`@ ${JSON.stringify(value)}\n`);
}

async function main() {
  await node.ensure();
  await node.open();
  const listening = new Promise((resolve) => node.pool.once('listening', resolve));
  await node.connect();
  const { port } = await listening;
  answer({ port, ...tip() });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { order, ...parameters } = JSON.parse(line);
    try {
      answer(await orders[order](parameters));
    } catch (error) {
      answer({ error: String(error.stack) });
    }
  }
  process.exit(0);
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
