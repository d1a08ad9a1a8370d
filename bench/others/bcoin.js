'use strict';

// bcoin at the work of the benchmarks, by its own classes. Called by `bench/processes.py`:
//
//     node bcoin.js DIRECTORY_OF_BCOIN headers PORT COUNT       its Peer, from the prepared source: COUNT headers at least
//     node bcoin.js DIRECTORY_OF_BCOIN blocks PORT CONNECTIONS BYTES    the same with blocks
//     node bcoin.js DIRECTORY_OF_BCOIN flood PORT KIND COUNT    the same with small messages
//     node bcoin.js DIRECTORY_OF_BCOIN serve FILE               its node, with the chain of a blk file: `listening PORT`
//     node bcoin.js DIRECTORY_OF_BCOIN parse FILE               blocks, each behind its name; what each costs
//
// Prints one JSON object: measure -> value; a server answers each line on stdin by its CPU seconds. Headers are parsed, hashed and checked for work and link; blocks are parsed
// and verified as its own node does before it looks at the chain (work, merkle root, sizes, each transaction by itself),
// without the witness commitment, which its node checks elsewhere.

const fs = require('fs');
const path = require('path');

const bcoin = require(path.resolve(process.argv[2]));
const Peer = bcoin.net.Peer;
const NetAddress = bcoin.net.NetAddress;

// bcoin writes hashes in hex, in the order in which they travel.
const GENESIS = bcoin.Network.get('regtest').genesis.hash;
const ZERO = '00'.repeat(32);
const BATCH = 16;

function now() {
  return Number(process.hrtime.bigint()) / 1e9;
}

async function open(port) {
  const network = bcoin.Network.get('regtest');
  const options = new (Peer.fromOptions({network}).options.constructor)({network});
  const peer = Peer.fromOutbound(options, NetAddress.fromHost('127.0.0.1', port, network));
  peer.onPacket = () => {};
  await peer.open();
  return peer;
}

function fail(why) {
  console.error(why);
  process.exit(1);
}

// Headers, message after message, until `count` are here or the chain ends. `take` gets each one with its hash.
function headers(peer, count, take) {
  return new Promise((resolve) => {
    let last = GENESIS;
    let done = 0;
    peer.onPacket = (packet) => {
      if (packet.cmd !== 'headers')
        return;
      for (const header of packet.items) {
        if (header.prevBlock !== last || !header.verify())
          fail('bad header');
        last = header.hash('hex');
        take(last);
      }
      done += packet.items.length;
      if (done >= count || packet.items.length < 2000)
        resolve(done);
      else
        peer.sendGetHeaders([last], ZERO);
    };
    peer.sendGetHeaders([last], ZERO);
  });
}

async function timeHeaders(port, count) {
  const peer = await open(port);
  const start = now();
  const done = await headers(peer, count, () => {});
  return {'header sync': done / (now() - start)};
}

// Blocks from several connections, BATCH of them asked of each at a time, until `bytes` are here.
async function timeBlocks(port, connections, bytes) {
  const peers = [];
  while (peers.length < connections)
    peers.push(await open(port));
  const hashes = [];
  await headers(peers[0], Infinity, hash => hashes.push(hash));
  const start = now();
  let next = 0;
  let received = 0;
  await Promise.all(peers.map(peer => new Promise((resolve) => {
    let owed = 0;
    const ask = () => {
      const group = received < bytes ? hashes.slice(next, next + BATCH) : [];
      next += group.length;
      owed = group.length;
      if (owed)
        peer.getBlock(group);
      else
        resolve();
    };
    peer.onPacket = (packet) => {
      if (packet.cmd !== 'block')
        return;
      const block = packet.block.toBlock(); // until now it is bytes, and verifies as that
      if (!block.verify())
        fail('bad block');
      received += block.getSize();
      if (--owed === 0)
        ask();
    };
    ask();
  })));
  return {'block sync': received / 1e6 / (now() - start)};
}

// Small messages of one kind, until the one that ends the flood.
async function timeFlood(port, kind, count) {
  const peer = await open(port);
  const start = now();
  await new Promise((resolve) => {
    peer.onPacket = (packet) => {
      if (packet.cmd === 'end')
        resolve();
    };
    peer.send(new bcoin.packets.MempoolPacket());
  });
  return {[`${kind}: by a peer`]: count / (now() - start)};
}

// A node in memory that serves the blocks of a blk file. Their coins are invented, so they go into its store unjudged.
async function serve(file) {
  const node = new bcoin.FullNode({
    network: 'regtest', memory: true, listen: true, host: '127.0.0.1', publicHost: '127.0.0.1', maxInbound: 100,
    seeds: [], httpHost: '127.0.0.1', httpPort: 0, apiKey: 'bench', workers: false,
  });
  node.pool.options.port = 0;
  node.pool.discoverExternal = async () => {};
  await node.open();
  const chain = node.chain;
  chain.db.connectBlock = async () => {};
  const data = fs.readFileSync(file);
  for (let at = 0; at < data.length;) {
    const length = data.readUInt32LE(at + 4);
    const block = bcoin.Block.fromRaw(data.subarray(at + 8, at += 8 + length));
    const entry = bcoin.ChainEntry.fromBlock(block, chain.tip);
    await chain.db.save(entry, block, new bcoin.CoinView());
    chain.tip = entry;
    chain.height = entry.height;
  }
  chain.synced = true;
  await node.connect();
  console.log('listening', node.pool.server.address().port);
  const lines = require('readline').createInterface({input: process.stdin});
  lines.on('line', () => console.log((process.cpuUsage().user + process.cpuUsage().system) / 1e6));
  return new Promise(resolve => lines.on('close', resolve));
}

// Each entry of the file: length of the name u32, name, length of the block u32, block.
function timeParsing(file) {
  const data = fs.readFileSync(file);
  const result = {};
  for (let at = 0; at < data.length;) {
    const name = data.toString('utf8', at + 4, at += 4 + data.readUInt32LE(at));
    const raw = data.subarray(at + 4, at += 4 + data.readUInt32LE(at));
    const taken = [];
    for (let turn = 0; turn < 7; turn++) {
      const start = now();
      if (!bcoin.Block.fromRaw(raw).verifyBody())
        fail(`bad block ${name}`);
      taken.push(now() - start);
    }
    result[name] = taken.sort((a, b) => a - b)[3] * 1e3;
  }
  return result;
}

async function main([what, ...words]) {
  switch (what) {
    case 'headers':
      return timeHeaders(Number(words[0]), Number(words[1]));
    case 'blocks':
      return timeBlocks(Number(words[0]), Number(words[1]), Number(words[2]));
    case 'flood':
      return timeFlood(Number(words[0]), words[1], Number(words[2]));
    case 'serve':
      return serve(words[0]);
    case 'parse':
      return timeParsing(words[0]);
    default:
      throw new Error(`no such work: ${what}`);
  }
}

main(process.argv.slice(3)).then((result) => {
  console.log(JSON.stringify(result));
  process.exit(0);
}, (error) => {
  console.error(error);
  process.exit(1);
});
