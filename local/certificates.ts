/**
 * The certificate authorities and certificates of one cluster, made in memory.
 *
 * 1. All keys are ECDSA P-256 and live as long as the cluster's data folder: nothing here is meant to be trusted elsewhere.
 * 2. The front proxy has an authority of its own, so that a user's certificate can never pass for the API server's.
 */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  readonly clusterCa: KeyPair;
  readonly frontProxyCa: KeyPair;
  readonly apiserver: KeyPair;
  /** What the API server shows to the node agent when it asks for logs. */
  readonly apiserverToNode: KeyPair;
  readonly frontProxy: KeyPair;
  readonly admin: KeyPair;
  readonly controllerManager: KeyPair;
  readonly scheduler: KeyPair;
  /** Both the node agent's own identity and its serving certificate. */
  readonly node: KeyPair;
  readonly serviceAccount: { readonly publicKey: string; readonly key: string };
}

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

interface Leaf {
  readonly name: string;
  readonly addresses?: readonly string[];
  readonly hosts?: readonly string[];
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const lifetimeMs = 365 * 24 * 3600 * 1000;
/** Clocks of one machine agree, but a certificate that begins this very second is refused by a verifier that rounds down. */
const backdateMs = 3600 * 1000;

const generateKeys = (): Promise<webcrypto.CryptoKeyPair> => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

const toPem = (label: string, der: ArrayBuffer): string => {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/gu) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
};

const privatePem = async (keys: webcrypto.CryptoKeyPair): Promise<string> =>
  toPem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));

const publicPem = async (keys: webcrypto.CryptoKeyPair): Promise<string> =>
  toPem('PUBLIC KEY', await webcrypto.subtle.exportKey('spki', keys.publicKey));

const certificatePem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;

const validity = () => ({ notBefore: new Date(Date.now() - backdateMs), notAfter: new Date(Date.now() + lifetimeMs) });

const createAuthority = async (name: string): Promise<Authority> => {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${name}`,
      keys,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate, keys };
};

const createLeaf = async (authority: Authority, leaf: Leaf): Promise<KeyPair> => {
  const keys = await generateKeys();
  const names: x509.JsonGeneralNames = [
    ...(leaf.addresses ?? []).map((value) => ({ type: 'ip' as const, value })),
    ...(leaf.hosts ?? []).map((value) => ({ type: 'dns' as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: leaf.name,
      issuer: authority.certificate.subject,
      publicKey: keys.publicKey,
      signingKey: authority.keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        await x509.AuthorityKeyIdentifierExtension.create(authority.certificate, false, webcrypto),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      ],
    },
    webcrypto,
  );
  return { cert: certificatePem(certificate), key: await privatePem(keys) };
};

export const createCertificates = async (addresses: readonly string[]): Promise<Certificates> => {
  const [cluster, frontProxy, serviceAccount] = await Promise.all([
    createAuthority('peppasync-local-ca'),
    createAuthority('peppasync-local-front-proxy-ca'),
    generateKeys(),
  ]);
  const hosts = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'];
  const authorityPair = async (authority: Authority): Promise<KeyPair> => ({
    cert: certificatePem(authority.certificate),
    key: await privatePem(authority.keys),
  });
  return {
    clusterCa: await authorityPair(cluster),
    frontProxyCa: await authorityPair(frontProxy),
    apiserver: await createLeaf(cluster, { name: 'CN=kube-apiserver', addresses, hosts }),
    apiserverToNode: await createLeaf(cluster, { name: 'O=system:masters, CN=kube-apiserver-kubelet-client' }),
    frontProxy: await createLeaf(frontProxy, { name: 'CN=front-proxy-client' }),
    admin: await createLeaf(cluster, { name: 'O=system:masters, CN=admin' }),
    controllerManager: await createLeaf(cluster, { name: 'CN=system:kube-controller-manager' }),
    scheduler: await createLeaf(cluster, { name: 'CN=system:kube-scheduler' }),
    node: await createLeaf(cluster, { name: 'O=system:masters, CN=system:node:local', addresses }),
    serviceAccount: { publicKey: await publicPem(serviceAccount), key: await privatePem(serviceAccount) },
  };
};
