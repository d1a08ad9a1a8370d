'use strict';

// A neo-one Legacy node for one test, put together from neo-one's own parts, because its command line opens no
// peer-to-peer port. Called by `neo_one.py` only:
//
//     node neo_one_node.js DIRECTORY_OF_MODULES SETTINGS
//
// SETTINGS is JSON: {"database": "NEW_DIRECTORY", "magic": 1, "validators": ["02.."], "chain": "FILE.acc" or null,
// "height": 100}. The node begins with the blocks of the chain file up to that height and can be told to add more.
//
// Orders come as JSON, one object a line, on stdin: {"order": "add", "count": 3}. Each is answered on stdout, in order,
// by one line that begins with "@ " and goes on in JSON; every other line is neo-one's own log. The end of stdin ends the
// node, so that none outlives the test that started it.

const { createRequire } = require('module');
const fs = require('fs');
const path = require('path');
const readline = require('readline');

const [modules, settingsText] = process.argv.slice(2);
const settings = JSON.parse(settingsText);
const load = createRequire(path.resolve(modules, 'anything.js'));
const { Blockchain } = load('@neo-one/node-blockchain');
const { BinaryReader, Block, createEndpoint, getEndpointConfig } = load('@neo-one/node-core');
const { createMain } = load('@neo-one/node-neo-settings');
const { Network } = load('@neo-one/node-network');
const { Node } = load('@neo-one/node-protocol');
const { storage } = load('@neo-one/node-storage-levelup');
const { vm } = load('@neo-one/node-vm');
const leveldown = load('leveldown');
const levelup = load('levelup');

const HOST = '127.0.0.1';
// Between two rounds, each of which also looks at the health of the peers: a peer that had given no block in one round and
// has given some in the next is closed as unhealthy. neo-one's own figure is 5 s; no test shall depend on that chance.
const CONNECT_PEERS_DELAY_MS = 60000;

let blockchain;
let chain; // of blocks that are not yet in the blockchain
let network;
let node;

function hex(hash) {
  return Buffer.from(hash).reverse().toString('hex');
}

function tip() {
  const { index, hash } = blockchain.currentBlock;
  return { height: index, hash: hex(hash) };
}

// Resolves once the tip has `hash`; an event, not a poll.
function follow(hash) {
  return new Promise((resolve) => {
    let subscription;
    const look = () => {
      if (tip().hash !== hash) return;
      if (subscription) subscription.unsubscribe();
      resolve();
    };
    subscription = blockchain.block$.subscribe({ next: look });
    look();
  });
}

// The blocks of a chain file as neo-one parses them, one by one. neo-one's own loader (`node-offline`) leaves the last
// blocks of a file out, up to 100,000 bytes of them, and is done before they are all stored.
function* blocksOf(file, context) {
  const bytes = fs.readFileSync(file);
  for (let at = 4; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    yield Block.deserializeWire({ context, buffer: bytes.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
}

const orders = {
  tip,
  async hash({ height }) {
    return { hash: hex((await blockchain.header.get({ hashOrIndex: height })).hash) };
  },
  // The next blocks of the chain file, as if they had come from the network: checked, stored, announced to the peers.
  async add({ count }) {
    for (let i = 0; i < count; i++) await node.relayBlock(chain.next().value);
    return tip();
  },
  // Dials the peer at `port` now, not in the next round, and brings blocks as long as that peer's version claims more.
  connect({ port }) {
    network.connectToPeer({ endpoint: createEndpoint({ type: 'tcp', host: HOST, port }) });
    return {};
  },
  async follow({ hash }) {
    await follow(hash);
    return tip();
  },
  // Ports at the other ends of its connections.
  peers() {
    return { peers: network.connectedPeers.map((peer) => getEndpointConfig(peer.endpoint).port) };
  },
};

async function start() {
  const { database, magic, validators } = settings;
  const db = levelup(leveldown(database));
  blockchain = await Blockchain.create({
    // `privateNet: true` would issue GAS in a fifth transaction of the genesis block.
    settings: { ...createMain({ standbyValidators: validators }), messageMagic: magic },
    storage: storage({ db, context: { messageMagic: magic } }),
    vm,
  });
  if (settings.chain !== null) chain = blocksOf(settings.chain, blockchain.deserializeWireContext);
  while (blockchain.currentBlockIndex < settings.height) {
    await blockchain.persistBlock({ block: chain.next().value, unsafe: true }); // unsafe: our own file, not checked
  }
  const options = { listenTCP: { host: HOST, port: 0 }, seeds: [], connectPeersDelayMS: CONNECT_PEERS_DELAY_MS };
  node = new Node({
    blockchain,
    options: {},
    createNetwork(callbacks) {
      network = new Network({ options, ...callbacks });
      return network;
    },
  });
  await node.start();
  const server = network.mutableTCPServer;
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
  return server.address().port;
}

function answer(value) {
  process.stdout.write(`@ ${JSON.stringify(value)}\n`);
}

async function main() {
  answer({ port: await start(), ...tip() });
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
