/** The command lines of the control plane and of NATS. Why each unusual flag is there stands beside it. */
import { join } from 'node:path';
import { ports, type LoopbackNetwork } from '../loopback-network.ts';
import type { ClusterProcess, StartMessage } from '../messages.ts';
import { markVariable } from '../sweep.ts';
import { certificateFiles, type Layout } from './layout.ts';
import type { Program } from './supervised-process.ts';

interface Setting {
  readonly layout: Layout;
  readonly network: LoopbackNetwork;
  readonly tools: StartMessage['tools'];
}

/** Left off: the controllers of Endpoints and EndpointSlices, which cannot hold loopback addresses, and those of volumes and nodes' routes. */
const controllers = [
  'deployment-controller',
  'replicaset-controller',
  'statefulset-controller',
  'daemonset-controller',
  'job-controller',
  'cronjob-controller',
  'garbage-collector-controller',
  'namespace-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'root-ca-certificate-publisher-controller',
  'clusterrole-aggregation-controller',
  'node-lifecycle-controller',
  'taint-eviction-controller',
  'pod-garbage-collector-controller',
  'disruption-controller',
  'ttl-after-finished-controller',
  'resourcequota-controller',
];

export const apiserverUrl = (network: LoopbackNetwork): string => `https://${network.host}:${ports.apiserver}`;
export const natsUrl = (network: LoopbackNetwork): string => `nats://${network.host}:${ports.nats}`;
export const natsMonitoringUrl = (network: LoopbackNetwork): string => `http://${network.host}:${ports.natsMonitoring}`;
const etcdUrl = (network: LoopbackNetwork): string => `http://${network.host}:${ports.etcd}`;
const etcdPeerUrl = (network: LoopbackNetwork): string => `http://${network.host}:${ports.etcdPeer}`;

export const natsConfigText = (setting: Setting): string => `server_name: local
listen: "${setting.network.host}:${ports.nats}"
http: "${setting.network.host}:${ports.natsMonitoring}"
max_payload: 8MB
jetstream { store_dir: "${setting.layout.nats}" }
`;

const etcdArgs = ({ layout, network }: Setting): readonly string[] => [
  '--name=local',
  `--data-dir=${layout.etcd}`,
  // A crash of the machine may cost the cluster, which is thrown away anyway; a crash of etcd does not.
  '--unsafe-no-fsync',
  `--listen-client-urls=${etcdUrl(network)}`,
  `--advertise-client-urls=${etcdUrl(network)}`,
  `--listen-peer-urls=${etcdPeerUrl(network)}`,
  `--initial-advertise-peer-urls=${etcdPeerUrl(network)}`,
  `--initial-cluster=local=${etcdPeerUrl(network)}`,
];

const apiserverArgs = ({ layout, network }: Setting): readonly string[] => {
  const files = certificateFiles(layout);
  return [
    `--etcd-servers=${etcdUrl(network)}`,
    `--bind-address=${network.host}`,
    `--advertise-address=${network.host}`,
    `--secure-port=${ports.apiserver}`,
    // It would write a loopback address into Endpoints, which the API refuses.
    '--endpoint-reconciler-type=none',
    `--service-cluster-ip-range=${network.serviceRange}`,
    `--tls-cert-file=${files.apiserverCert}`,
    `--tls-private-key-file=${files.apiserverKey}`,
    `--client-ca-file=${files.clusterCa}`,
    '--authorization-mode=Node,RBAC',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${files.serviceAccountPublicKey}`,
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    `--requestheader-client-ca-file=${files.frontProxyCa}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${files.frontProxyCert}`,
    `--proxy-client-key-file=${files.frontProxyKey}`,
    `--kubelet-client-certificate=${files.apiserverToNodeCert}`,
    `--kubelet-client-key=${files.apiserverToNodeKey}`,
    `--kubelet-certificate-authority=${files.clusterCa}`,
    '--kubelet-preferred-address-types=InternalIP',
  ];
};

const controllerManagerArgs = ({ layout }: Setting): readonly string[] => {
  const files = certificateFiles(layout);
  return [
    `--kubeconfig=${layout.controllerManagerKubeconfig}`,
    '--use-service-account-credentials',
    `--service-account-private-key-file=${files.serviceAccountKey}`,
    `--root-ca-file=${files.clusterCa}`,
    '--leader-elect=false',
    '--secure-port=0',
    // With the default of 20 it takes 5 s until all controllers run.
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
    `--controllers=${controllers.join(',')}`,
  ];
};

const schedulerArgs = ({ layout }: Setting): readonly string[] => [
  `--kubeconfig=${layout.schedulerKubeconfig}`,
  '--leader-elect=false',
  '--secure-port=0',
];

export const programOf = (process_: ClusterProcess, setting: Setting): Program => {
  const { layout, tools } = setting;
  const common = {
    name: process_,
    logFile: join(layout.logs, `${process_}.log`),
    // Nothing of the user's environment: a proxy variable alone would send the API server's calls elsewhere.
    env: { PATH: process.env['PATH'], HOME: layout.home, [markVariable]: layout.root },
  };
  switch (process_) {
    case 'etcd':
      return { ...common, file: tools.etcd, args: etcdArgs(setting) };
    case 'apiserver':
      return { ...common, file: tools.kubeApiserver, args: apiserverArgs(setting) };
    case 'controller-manager':
      return { ...common, file: tools.kubeControllerManager, args: controllerManagerArgs(setting) };
    case 'scheduler':
      return { ...common, file: tools.kubeScheduler, args: schedulerArgs(setting) };
    case 'nats':
      return { ...common, file: tools.natsServer, args: ['--config', layout.natsConfig] };
  }
};
