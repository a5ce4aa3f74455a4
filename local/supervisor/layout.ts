/** Where the files of one cluster lie, and what its certificates and kubeconfigs contain. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Certificates, KeyPair } from '../certificates.ts';

export interface Layout {
  readonly root: string;
  readonly etcd: string;
  readonly nats: string;
  readonly natsConfig: string;
  readonly logs: string;
  readonly pods: string;
  readonly certificates: string;
  readonly home: string;
  readonly kubeconfig: string;
  readonly controllerManagerKubeconfig: string;
  readonly schedulerKubeconfig: string;
}

export const layoutOf = (root: string): Layout => ({
  root,
  etcd: join(root, 'etcd'),
  nats: join(root, 'nats'),
  natsConfig: join(root, 'nats.conf'),
  logs: join(root, 'logs'),
  pods: join(root, 'pods'),
  certificates: join(root, 'certificates'),
  home: join(root, 'home'),
  kubeconfig: join(root, 'kubeconfig'),
  controllerManagerKubeconfig: join(root, 'controller-manager.kubeconfig'),
  schedulerKubeconfig: join(root, 'scheduler.kubeconfig'),
});

export const createFolders = (layout: Layout): void => {
  mkdirSync(layout.root, { mode: 0o700, recursive: true });
  for (const folder of [layout.etcd, layout.nats, layout.logs, layout.pods, layout.certificates, layout.home]) {
    mkdirSync(folder, { mode: 0o700 });
  }
};

const kubeconfigText = (server: string, ca: string, user: KeyPair): string => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'peppasync-local',
    clusters: [{ name: 'peppasync-local', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'user', user: { 'client-certificate-data': base64(user.cert), 'client-key-data': base64(user.key) } }],
    contexts: [{ name: 'peppasync-local', context: { cluster: 'peppasync-local', user: 'user', namespace: 'default' } }],
  });
};

/** Names of the files in the certificates folder, as the flags of the programs refer to them. */
export const certificateFiles = (layout: Layout) => {
  const file = (name: string): string => join(layout.certificates, name);
  return {
    clusterCa: file('ca.crt'),
    frontProxyCa: file('front-proxy-ca.crt'),
    apiserverCert: file('apiserver.crt'),
    apiserverKey: file('apiserver.key'),
    apiserverToNodeCert: file('apiserver-to-node.crt'),
    apiserverToNodeKey: file('apiserver-to-node.key'),
    frontProxyCert: file('front-proxy.crt'),
    frontProxyKey: file('front-proxy.key'),
    serviceAccountPublicKey: file('service-account.pub'),
    serviceAccountKey: file('service-account.key'),
  };
};

export const writeCertificates = (layout: Layout, certificates: Certificates, server: string): void => {
  const files = certificateFiles(layout);
  const contents: readonly (readonly [string, string])[] = [
    [files.clusterCa, certificates.clusterCa.cert],
    [files.frontProxyCa, certificates.frontProxyCa.cert],
    [files.apiserverCert, certificates.apiserver.cert],
    [files.apiserverKey, certificates.apiserver.key],
    [files.apiserverToNodeCert, certificates.apiserverToNode.cert],
    [files.apiserverToNodeKey, certificates.apiserverToNode.key],
    [files.frontProxyCert, certificates.frontProxy.cert],
    [files.frontProxyKey, certificates.frontProxy.key],
    [files.serviceAccountPublicKey, certificates.serviceAccount.publicKey],
    [files.serviceAccountKey, certificates.serviceAccount.key],
    [layout.kubeconfig, kubeconfigText(server, certificates.clusterCa.cert, certificates.admin)],
    [layout.controllerManagerKubeconfig, kubeconfigText(server, certificates.clusterCa.cert, certificates.controllerManager)],
    [layout.schedulerKubeconfig, kubeconfigText(server, certificates.clusterCa.cert, certificates.scheduler)],
  ];
  for (const [file, text] of contents) writeFileSync(file, text, { mode: 0o600 });
};
